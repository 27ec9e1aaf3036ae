-- Grain: one infused subject and evaluator, the best overall response derived from lesions beside the reported one.
create or replace view best_responses_compared as
with
best as (
    select * from best_responses
),
leading_evaluators as (
    select distinct evaluator from best
    where is_leading
),
reported as (
    select * from best
    where response_source = 'reported'
),
derived as (
    select * from best
    where response_source = 'derived'
)
select
    subject_id,
    evaluator,
    evaluator in (select evaluator from leading_evaluators) as is_leading_evaluator,
    reported.best_overall_response as reported_response,
    derived.best_overall_response as derived_response,
    reported.best_response_reason as reported_reason,
    derived.best_response_reason as derived_reason,
    derived.best_change_percent,
    reported.best_overall_response = derived.best_overall_response as agrees
from reported
full join derived using (subject_id, evaluator)
order by is_leading_evaluator desc, evaluator, subject_id;
