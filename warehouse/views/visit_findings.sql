-- Grain: one finding about the date of one blood specimen, or about the start of lymphodepletion of one subject.
create or replace view visit_findings as
with
blood as (
    select subject_id, specimen_id, collection_date, study_day, declared_visit, visit
    from visited_specimens
    where material = 'blood'
),
products as (
    select subject_id, infusion_date, lymphodepletion_start from infusion_products
),
without_study_day as (
    select 'no study day' as finding, *
    from blood
    where study_day is null
),
outside_windows as (
    select 'unscheduled' as finding, *
    from blood
    where study_day is not null and visit = 'unscheduled'
),
disagreeing as (
    select 'declared as another visit' as finding, *
    from blood
    where study_day is not null and visit <> 'unscheduled' and declared_visit <> visit
),
lymphodepletion_unknown as (
    select 'lymphodepletion start unknown' as finding, subject_id, null, infusion_date, 0, null, null
    from products
    where infusion_date is not null and lymphodepletion_start is null
),
findings as (
    select * from without_study_day
    union all
    select * from outside_windows
    union all
    select * from disagreeing
    union all
    select * from lymphodepletion_unknown
)
select
    finding,
    subject_id,
    specimen_id,
    collection_date,
    study_day,
    declared_visit,
    visit
from findings
order by finding, subject_id, study_day, specimen_id;
