-- Grain: one type of gate, how stored counts and those made again from FCS files compare.
create or replace view gate_agreement_by_type as
with
regated as (
    select *, coalesce(gate_type, 'other') as kind from gate_agreement
)
select
    kind as gate_type,
    count(*) as n_populations,
    count(agrees) as n_compared,
    count(*) filter (agrees) as n_agree,
    count(*) filter (not agrees) as n_disagree,
    count(*) filter (count_regated is not null and count_stored is null) as n_not_stored,
    count(*) filter (count_regated is null) as n_not_regated,
    string_agg(distinct reason, ', ' order by reason) as reasons,
    median(difference_percent) filter (agrees is not null) as median_difference_percent,
    max(difference_percent) filter (agrees is not null) as max_difference_percent,
    max(tolerance_percent) as tolerance_percent
from regated
group by kind
order by n_disagree desc, n_populations desc, kind;
