-- Grain: one subject at the primary landmark under the primary rule, over the declared tumour antigens.
create or replace view persistence_at_primary_landmark as
with
in_force as (
    select assay, population, readout, rule, landmark_day from analysis_in_force
),
by_subject as (
    select persistence_by_subject.*
    from persistence_by_subject
    inner join in_force using (assay, population, readout, rule, landmark_day)
),
response_groups as (
    select subject_id, best_overall_response, is_responder, os_months, os_event from outcomes
)
select
    by_subject.subject_id,
    coalesce(response_groups.best_overall_response, 'NE') as best_overall_response,
    case response_groups.is_responder
        when true then 'responder' when false then 'non-responder' else 'not evaluable'
    end as response_group,
    case by_subject.persistent when true then 'persistent' when false then 'not persistent' else 'not evaluable' end
        as persistence,
    by_subject.persistent,
    by_subject.reason,
    by_subject.landmark_day,
    by_subject.half_width_days,
    by_subject.n_antigens_declared,
    by_subject.n_antigens_evaluable,
    by_subject.n_antigens_persistent,
    by_subject.n_antigens_induced,
    by_subject.n_product_antigens_evaluable,
    by_subject.n_product_antigens,
    by_subject.n_product_antigens_persistent,
    by_subject.sum_net_value,
    response_groups.os_months,
    response_groups.os_event
from by_subject
left join response_groups using (subject_id)
order by by_subject.persistent desc nulls last, by_subject.n_antigens_persistent desc, by_subject.subject_id;
