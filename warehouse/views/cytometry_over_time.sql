-- Grain: one antigen in one blood specimen of an infused subject by cytometry, as reported under the primary rule.
create or replace view cytometry_over_time as
with
reported as (
    select * from responses
    where assay = 'cytometry' and is_reported and is_primary_rule and material = 'blood' and study_day is not null
),
response_groups as (
    select subject_id, best_overall_response, is_responder from outcomes
),
declared as (
    select antigen, position from analysis_antigens
),
in_force as (
    select assay, population, readout from analysis_in_force
),
populations as (
    select population, position from analysis_populations
),
readouts as (
    select assay, readout, position from analysis_readouts
)
select
    reported.population,
    reported.readout,
    reported.rule,
    in_force.assay is not null as is_primary_series,
    reported.subject_id,
    reported.antigen,
    reported.antigen_role,
    reported.study_day,
    reported.visit,
    reported.specimen_id,
    reported.response_key,
    reported.unit,
    reported.antigen_mean as stimulated_percent,
    reported.control_mean as unstimulated_percent,
    reported.net_value,
    reported.lod,
    coalesce(reported.is_below_lod, false) as is_below_lod,
    reported.net_per_ul,
    reported.blood_count_date,
    reported.call,
    reported.reason,
    response_groups.best_overall_response,
    case response_groups.is_responder
        when true then 'responder' when false then 'non-responder' else 'not evaluable'
    end as response_group
from reported
left join response_groups using (subject_id)
left join declared using (antigen)
left join populations using (population)
left join readouts using (assay, readout)
left join in_force using (assay, population, readout)
order by
    is_primary_series desc,
    reported.readout = 'multimer',
    populations.position,
    reported.population,
    readouts.position,
    reported.readout,
    declared.position,
    reported.antigen,
    reported.subject_id,
    reported.study_day,
    reported.specimen_id;
