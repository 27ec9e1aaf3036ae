-- Grain: one assessment by one evaluator that has a response, derived from lesions beside reported, and how they compare.
create or replace view response_comparisons as
with
assessments as (
    select * from derived_assessments
)
select
    subject_id,
    evaluator,
    is_leading_evaluator,
    assessment_date,
    study_day,
    visit,
    reported_response,
    derived_response,
    case
        when agrees then 'agree'
        when reported_response is not null and derived_response is not null then 'differ'
        when derived_response is null then 'only reported'
        else 'only derived'
    end as comparison,
    difference_reason,
    derived_reason,
    sum_mm,
    measured_sum_mm,
    baseline_sum_mm,
    nadir_mm,
    change_from_baseline_percent,
    change_from_nadir_percent,
    n_targets,
    n_targets_missing,
    reported_target_response,
    derived_target_response,
    reported_non_target_response,
    derived_non_target_response,
    derived_has_new_lesion
from assessments
where reported_response is not null or derived_response is not null
order by is_leading_evaluator desc, evaluator, subject_id, assessment_date;
