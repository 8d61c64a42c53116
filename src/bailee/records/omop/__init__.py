"""OMOP CDM 5.4 tables made from released FHIR R4 records; it reads no files of its own but the tables of rules below.

    fields.txt    the CDM's tables: fields in order, types, what is required, keys and what they point to
    mapping.txt   per resource type: the table, and the elements that its columns are read from
    columns.txt   per table: which column of an event each field is filled with
    concepts.txt  standard concepts that are public and do not change, and the CDM's names of code systems

Everything here takes a ReleaseBatch and nothing else, so that no more can leave this way than in FHIR.
Source: OHDSI CommonDataModel, inst/csv/OMOP_CDMv5.4_Field_Level.csv.
"""
