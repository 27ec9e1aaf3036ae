-- Grain: one population and readout of ICS, how the calls of fisher and mimosa of the same reported responses compare.
create or replace view fisher_and_mimosa as
with
reported as (
    select * from responses
    where assay = 'cytometry' and is_reported
),
both_rules as (
    select
        fisher.population,
        fisher.readout,
        fisher.call as fisher,
        mimosa.call as mimosa,
        fisher.call in ('positive', 'negative') and mimosa.call in ('positive', 'negative') as is_compared
    from reported as fisher
    inner join reported as mimosa using (specimen_id, plate_id, antigen, population, readout)
    where fisher.rule = 'fisher' and mimosa.rule = 'mimosa'
),
counted as (
    select
        population,
        readout,
        count(*) as n_responses,
        count(*) filter (is_compared) as n_compared,
        count(*) filter (is_compared and fisher = 'positive' and mimosa = 'positive') as n_both_positive,
        count(*) filter (is_compared and fisher = 'positive' and mimosa = 'negative') as n_only_fisher,
        count(*) filter (is_compared and fisher = 'negative' and mimosa = 'positive') as n_only_mimosa,
        count(*) filter (is_compared and fisher = 'negative' and mimosa = 'negative') as n_both_negative,
        count(*) filter (fisher not in ('positive', 'negative')) as n_fisher_open,
        count(*) filter (mimosa not in ('positive', 'negative')) as n_mimosa_open
    from both_rules
    group by population, readout
),
compared as (
    select
        *,
        (n_both_positive + n_both_negative) / nullif(n_compared, 0) as observed,
        (
            (n_both_positive + n_only_fisher) * (n_both_positive + n_only_mimosa)
            + (n_both_negative + n_only_mimosa) * (n_both_negative + n_only_fisher)
        ) / nullif(n_compared * n_compared, 0) as by_chance
    from counted
),
populations as (
    select population, position from analysis_populations
),
readouts as (
    select readout, position from analysis_readouts
    where assay = 'cytometry'
)
select
    compared.population,
    compared.readout,
    n_responses,
    n_compared,
    n_both_positive,
    n_only_fisher,
    n_only_mimosa,
    n_both_negative,
    n_fisher_open,
    n_mimosa_open,
    100 * observed as agreement_percent,
    -- Cohen's kappa: null where every response is called alike by both rules.
    (observed - by_chance) / nullif(1 - by_chance, 0) as kappa
from compared
left join populations using (population)
left join readouts using (readout)
order by populations.position, compared.population, readouts.position, compared.readout;
