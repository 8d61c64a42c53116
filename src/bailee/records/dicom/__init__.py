"""DICOM files: how bytes become an object, and an object bytes. It decides nothing about what may leave.

sniff.py   is this a DICOM file?
read.py    bytes to an object, by pydicom, in bounds
write.py   an object to bytes, Explicit VR Little Endian
"""
