-- Grain: one readout of one assay that study.toml declares, in its order, multimers last.
create or replace view analysis_readouts as
with
settings_in_force as (
    select setting, value from settings
),
called as (
    select
        unnest(from_json(value, '["VARCHAR"]')) as readout,
        generate_subscripts(from_json(value, '["VARCHAR"]'), 1) as place
    from settings_in_force
    where setting = 'cytometry.readouts'
),
markers as (
    select unnest(json_keys(value)) as readout, generate_subscripts(json_keys(value), 1) as place
    from settings_in_force
    where setting = 'cytometry.markers'
),
declared as (
    select 'elispot' as assay, value ->> '$' as readout, 1 as place
    from settings_in_force
    where setting = 'elispot.analyte'
    union all
    select 'cytometry', readout, place from called
    union all
    -- Without readouts of their own to call, every marker is one.
    select 'cytometry', readout, place from markers
    where not exists (from called)
    union all
    select 'cytometry', 'multimer', 1000000
    from settings_in_force
    where setting = 'cytometry.multimers' and json_array_length(value) > 0
)
select assay, readout, row_number() over (partition by assay order by place) as position
from declared
order by assay desc, position;
