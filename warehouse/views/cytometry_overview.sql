-- Grain: one row, how much flow cytometry there is.
create or replace view cytometry_overview as
with
samples as (
    -- A file of gates names no tube of its own.
    select * from matched_samples
),
raw_files as (
    select * from cytometry_files
),
regated as (
    select * from gate_agreement
),
measured as (
    select * from responses
    where assay = 'cytometry' and is_reported and is_primary_rule
)
select
    (select count(distinct file_sha256) from cytometry_samples) as n_files,
    (select count(*) from samples) as n_samples,
    (select count(*) from samples where reason is null) as n_matched,
    (select count(distinct tube_id) from samples where reason is null) as n_tubes,
    (select count(distinct file_sha256) from raw_files) as n_fcs_files,
    (select count(*) from regated where count_regated is not null) as n_regated,
    (select count(*) from measured) as n_responses,
    (select count(distinct subject_id) from measured) as n_subjects;
