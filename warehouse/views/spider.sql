-- Grain: one assessment of one infused subject by the leading evaluator with a complete target sum, baseline included.
create or replace view spider as
with
assessments as (
    select * from derived_assessments
    where is_leading_evaluator
),
infused as (
    select subject_id, best_overall_response, is_responder, response_source from outcomes
    where is_infused
),
judged as (
    select
        assessments.*,
        infused.best_overall_response,
        infused.is_responder,
        case infused.response_source
            when 'derived' then assessments.derived_response else assessments.reported_response
        end as leading_response
    from assessments
    inner join infused using (subject_id)
),
progressed as (
    select
        *,
        leading_response = 'PD' and row_number() over (
            partition by subject_id, leading_response = 'PD' order by assessment_date
        ) = 1 as is_first_progression
    from judged
)
select
    subject_id,
    coalesce(best_overall_response, 'NE') as best_overall_response,
    case is_responder when true then 'responder' when false then 'non-responder' else 'not evaluable' end
        as response_group,
    assessment_date,
    study_day,
    study_day / 30.4375 as months,
    sum_mm,
    change_from_baseline_percent,
    leading_response,
    coalesce(is_first_progression, false) as is_progression,
    is_baseline
from progressed
where change_from_baseline_percent is not null and study_day is not null
order by subject_id, study_day;
