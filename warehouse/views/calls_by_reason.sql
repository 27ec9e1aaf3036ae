-- Grain: one call and reason among the reported responses of one material, assay and population under one rule.
create or replace view calls_by_reason as
with
reported as (
    select * from responses
    where is_reported
)
select
    assay,
    population,
    rule,
    is_primary_rule,
    material,
    call,
    reason,
    count(*) as n_responses,
    sum(count(*)) over (partition by assay, population, rule, material)::bigint as n_in_all
from reported
group by assay, population, rule, is_primary_rule, material, call, reason
order by
    assay desc,
    is_primary_rule desc,
    rule,
    population,
    material,
    list_position(['positive', 'negative', 'indeterminate', 'not_evaluable'], call),
    n_responses desc,
    reason;
