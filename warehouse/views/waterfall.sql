-- Grain: one infused subject, with the best change of its target sum, or why there is none, largest growth first.
create or replace view waterfall as
with
infused as (
    select subject_id, best_overall_response, is_responder, best_change_percent from outcomes
    where is_infused
),
assessments as (
    select * from derived_assessments
    where is_leading_evaluator
),
lesions as (
    select
        subject_id,
        bool_or(is_baseline) as has_baseline,
        max(n_targets) filter (is_baseline) as n_targets,
        max(baseline_sum_mm) filter (is_baseline) as baseline_sum_mm,
        bool_or(derived_reason = 'recist.no_baseline') as is_without_baseline,
        count(*) filter (not is_baseline and study_day > 0) as n_later,
        count(sum_mm) filter (not is_baseline and study_day > 0) as n_complete
    from assessments
    group by subject_id
)
select
    infused.subject_id,
    coalesce(infused.best_overall_response, 'NE') as best_overall_response,
    case infused.is_responder when true then 'responder' when false then 'non-responder' else 'not evaluable' end
        as response_group,
    infused.best_change_percent,
    case
        when infused.best_change_percent is not null then null
        when lesions.is_without_baseline and not lesions.has_baseline then 'no lesion measured on or before day 0'
        when not coalesce(lesions.has_baseline, false) then 'no lesion measurements'
        when lesions.n_targets = 0 then 'no target lesion'
        when lesions.baseline_sum_mm = 0 then 'baseline sum of 0 mm'
        when lesions.n_later = 0 then 'no assessment after day 0'
        when lesions.n_complete = 0 then 'target lesions never all assessed'
        else 'none before progression or new therapy'
    end as reason
from infused
left join lesions using (subject_id)
order by infused.best_change_percent desc nulls last, infused.subject_id;
