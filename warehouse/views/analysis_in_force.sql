-- Grain: one row, the choices study.toml makes for the headline numbers: rule, analyte, landmark and primary analysis.
create or replace view analysis_in_force as
with
settings_in_force as (
    select setting, value from settings
),
landmarks as (
    select unnest(from_json(value, '[{"day": "INTEGER", "half_width": "INTEGER"}]'), recursive := true)
    from settings_in_force
    where setting = 'persistence.landmarks'
),
named as (
    select
        max(value ->> '$') filter (setting = 'rules.primary') as rule,
        max(value ->> '$') filter (setting = 'elispot.analyte') as readout,
        max(value ->> '$') filter (setting = 'analysis.primary.exposure') as exposure,
        max(value ->> '$') filter (setting = 'analysis.primary.outcome') as outcome,
        -- Unset means the first landmark that study.toml writes, not the earliest day.
        coalesce(
            (max(value ->> '$') filter (setting = 'analysis.primary.landmark'))::integer,
            (select first(day) from landmarks)
        ) as landmark_day
    from settings_in_force
)
select
    'elispot' as assay,
    named.readout,
    named.rule,
    named.exposure,
    named.outcome,
    named.landmark_day,
    (select first(half_width) from landmarks where day = named.landmark_day) as half_width_days
from named;
