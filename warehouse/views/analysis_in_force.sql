-- Grain: one row, the choices study.toml makes for the headline numbers: series, landmark and primary analysis.
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
        coalesce(max(value ->> '$') filter (setting = 'analysis.primary.assay'), 'elispot') as assay,
        max(value ->> '$') filter (setting = 'analysis.primary.population') as population,
        max(value ->> '$') filter (setting = 'analysis.primary.readout') as readout,
        max(value ->> '$') filter (setting = 'rules.primary') as elispot_rule,
        max(value ->> '$') filter (setting = 'elispot.analyte') as elispot_analyte,
        max(value ->> '$') filter (setting = 'cytometry.rules.primary') as cytometry_rule,
        max(value ->> '$[0].name') filter (setting = 'cytometry.populations') as cytometry_population,
        -- Without readouts of their own to call, every marker is one.
        max(value ->> '$[0]') filter (setting = 'cytometry.readouts') as first_readout,
        max(json_keys(value)[1]) filter (setting = 'cytometry.markers') as first_marker,
        max(value ->> '$') filter (setting = 'analysis.primary.exposure') as exposure,
        max(value ->> '$') filter (setting = 'analysis.primary.outcome') as outcome,
        -- Unset means the first landmark that study.toml writes, not the earliest day.
        coalesce(
            (max(value ->> '$') filter (setting = 'analysis.primary.landmark'))::integer,
            (select first(day) from landmarks)
        ) as landmark_day
    from settings_in_force
),
series as (
    select
        *,
        case assay when 'elispot' then 'all cells' else coalesce(population, cytometry_population) end
            as series_population,
        case assay
            when 'elispot' then coalesce(readout, elispot_analyte)
            else coalesce(readout, first_readout, first_marker)
        end as series_readout
    from named
)
select
    series.assay,
    series.series_population as population,
    series.series_readout as readout,
    case
        when series.assay = 'elispot' then series.elispot_rule
        when series.series_readout = 'multimer' then 'multimer_events'
        else series.cytometry_rule
    end as rule,
    case series.assay when 'elispot' then 'spots per 10^6 cells' else '% of ' || series.series_population end as unit,
    series.exposure,
    series.outcome,
    series.landmark_day,
    (select first(half_width) from landmarks where day = series.landmark_day) as half_width_days
from series;
