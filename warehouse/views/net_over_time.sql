-- Grain: one antigen in one blood specimen of an infused subject, as reported, of the primary series.
create or replace view net_over_time as
with
in_force as (
    select assay, population, readout, rule from analysis_in_force
),
reported as (
    select * from responses
    where is_reported and material = 'blood' and study_day is not null
),
response_groups as (
    select subject_id, best_overall_response, is_responder from outcomes
),
declared as (
    select antigen, position from analysis_antigens
),
primary_responses as (
    select reported.*
    from reported
    inner join in_force using (assay, population, readout, rule)
)
select
    subject_id,
    antigen,
    antigen_role,
    study_day,
    visit,
    specimen_id,
    response_key,
    unit,
    net_value,
    lod,
    coalesce(is_below_lod, false) as is_below_lod,
    -- Wells too numerous to count leave one side of the net value open.
    net_lower is not null and net_upper is null as is_lower_bound,
    net_upper is not null and net_lower is null as is_upper_bound,
    call,
    reason,
    best_overall_response,
    case is_responder when true then 'responder' when false then 'non-responder' else 'not evaluable' end
        as response_group
from primary_responses
left join response_groups using (subject_id)
left join declared using (antigen)
order by declared.position, antigen, subject_id, study_day, specimen_id;
