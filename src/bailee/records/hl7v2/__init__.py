r"""What HL7 v2 is: files cut into messages, messages into segments and fields, and back, byte for byte. It decides nothing.

files.py      a file's bytes into messages: batches, MLLP frames, byte order marks
message.py    one message's text into segments and fields
escapes.py    what stands in a field, and how it is written: \F\, \X4E\, \.br\
    charset.py    which characters a message's bytes are (MSH-18)
tables.py     the segments, data types and codes of versions 2.5.1 and 2.8.2, laid over each other
"""
