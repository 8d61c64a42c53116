"""De-identifying DICOM objects, in memory: by PS3.15 Annex E where it says something, and by default deny where it does not.

annex_e.tsv    the standard's table: what each attribute's action is, by profile and option
kept.tsv       what else may leave
terms.txt      coded values that may leave
rules.py       the three as a plan: a step for each attribute
values.py      the methods, from bytes to bytes
codes.py       codes of public terminologies
wording.py     descriptions of nothing but what describes images
clean.py       a whole object by a plan
pixels.py      pixels without what does not belong in them, and with boxes blacked out
lettering.py   rows of letter-sized shapes in an image
burned.py      text in images: found, blacked out, looked for again
streams.py     compressed frames without comments and other company
identity.py    whose object it is, and who else is named in it
marks.py       what an object says of what was done
risk.py        which images may have text burned in, or show a face
"""
