-- Grain: one version of one positivity rule with the parameters it was called with.
create or replace view rules_in_force as
with
called as (
    select rule, rule_version, rule_parameters, is_primary_rule from responses
)
select
    rule,
    rule_version,
    rule_parameters,
    is_primary_rule,
    count(*) as n_responses
from called
group by rule, rule_version, rule_parameters, is_primary_rule
order by is_primary_rule desc, rule, rule_version, rule_parameters;
