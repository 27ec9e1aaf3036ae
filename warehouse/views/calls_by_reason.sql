-- Grain: one call and reason among the reported responses of one material under one rule.
create or replace view calls_by_reason as
with
reported as (
    select * from responses
    where is_reported
)
select
    rule,
    is_primary_rule,
    material,
    call,
    reason,
    count(*) as n_responses,
    sum(count(*)) over (partition by rule, material)::bigint as n_in_all
from reported
group by rule, is_primary_rule, material, call, reason
order by
    is_primary_rule desc,
    rule,
    material,
    list_position(['positive', 'negative', 'indeterminate', 'not_evaluable'], call),
    n_responses desc,
    reason;
