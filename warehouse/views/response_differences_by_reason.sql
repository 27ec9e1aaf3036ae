-- Grain: one reason why derived and reported responses of one evaluator differ, or why there are not both.
create or replace view response_differences_by_reason as
with
compared as (
    select * from response_comparisons
),
sizes as (
    select evaluator, count(*) as n_assessments_in_all
    from compared
    group by evaluator
)
select
    compared.evaluator,
    compared.is_leading_evaluator,
    compared.comparison,
    compared.difference_reason as reason,
    count(*) as n_assessments,
    count(distinct compared.subject_id) as n_subjects,
    any_value(sizes.n_assessments_in_all) as n_assessments_in_all,
    list(compared.subject_id || ', ' || compared.assessment_date order by compared.subject_id, compared.assessment_date)
        as places
from compared
inner join sizes using (evaluator)
where compared.comparison <> 'agree'
group by compared.evaluator, compared.is_leading_evaluator, compared.comparison, compared.difference_reason
order by compared.is_leading_evaluator desc, compared.evaluator, n_assessments desc, reason;
