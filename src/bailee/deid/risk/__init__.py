"""How easily somebody in an extract could be recognised, and what to coarsen until that is rare enough.

classes.py       records that look alike: counted by DuckDB, in memory, from batches
measures.py      k, uniqueness, prosecutor, journalist and marketer risk, diversity, closeness, small cells
gate.py          an agreement's thresholds against the measures: pass, or refuse with reasons
hierarchies.py   how a column is coarsened, level by level
lattice.py       the best combination of levels for a threshold: optimal, with suppression
scales.py        how far a released Patient's elements can be coarsened and stay FHIR
choice.py        levels and patients left out for a release, from counts of combinations
recode.py        a table at a combination of levels, small classes suppressed
differencing.py  what a partner learns by subtracting an earlier release from this one
"""
