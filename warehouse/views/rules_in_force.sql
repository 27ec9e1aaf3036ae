-- Grain: one version of one positivity rule of one assay with the parameters it was called with.
create or replace view rules_in_force as
with
called as (
    select assay, rule, rule_version, rule_parameters, is_primary_rule from responses
)
select
    assay,
    rule,
    rule_version,
    rule_parameters,
    is_primary_rule,
    count(*) as n_responses
from called
group by assay, rule, rule_version, rule_parameters, is_primary_rule
order by assay desc, is_primary_rule desc, rule, rule_version, rule_parameters;
