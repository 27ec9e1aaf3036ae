-- Grain: one row, the study and the last run that changed what is stored (its columns null before the first run).
create or replace view report_header as
with
settings_in_force as (
    select setting, value from settings
),
study as (
    select
        max(value ->> '$') filter (setting = 'study.id') as study_id,
        nullif(max(value ->> '$') filter (setting = 'study.title'), '') as study_title,
        coalesce(bool_or(value = 'true') filter (setting = 'study.simulated'), false) as is_simulated
    from settings_in_force
),
last_run as (
    select *
    from runs
    order by committed_at desc, run_id desc
    limit 1
)
select
    study.study_id,
    study.study_title,
    study.is_simulated,
    last_run.run_id,
    strftime(last_run.committed_at, '%Y-%m-%d %H:%M UTC') as committed_at_utc,
    last_run.as_of_date,
    last_run.next_due_date,
    last_run.program_version,
    last_run.study_file_sha256,
    last_run.trigger
from study
left join last_run on true;
