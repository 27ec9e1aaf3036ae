-- Grain: one reported response by one evaluator, with how often each response was derived from lesions there.
create or replace view response_counts as
with
compared as (
    select * replace (coalesce(reported_response, 'not reported') as reported_response) from response_comparisons
)
select
    evaluator,
    is_leading_evaluator,
    reported_response,
    count(*) filter (derived_response = 'CR') as n_cr,
    count(*) filter (derived_response = 'PR') as n_pr,
    count(*) filter (derived_response = 'SD') as n_sd,
    count(*) filter (derived_response = 'NON-CR/NON-PD') as n_non_cr_non_pd,
    count(*) filter (derived_response = 'PD') as n_pd,
    count(*) filter (derived_response = 'NE') as n_ne,
    count(*) filter (derived_response is null) as n_not_derived,
    count(*) as n_assessments,
    count(*) filter (comparison = 'agree') as n_agree,
    count(*) filter (comparison in ('agree', 'differ')) as n_with_both
from compared
group by evaluator, is_leading_evaluator, reported_response
order by
    is_leading_evaluator desc,
    evaluator,
    list_position(['CR', 'PR', 'SD', 'NON-CR/NON-PD', 'PD', 'NE', 'not reported'], reported_response);
