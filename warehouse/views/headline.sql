-- Grain: one headline number: a response rate or median survival in one population, or the primary association.
create or replace view headline as
with
rates as (
    select * from denominators
    where measure = 'objective_response_rate'
),
medians as (
    select * from survival_summaries
    where endpoint = 'OS' and landmark_day = 0 and "group" = 'all'
),
primary_analyses as (
    select * from associations
    where family = 'primary'
),
assessed as (
    select n > 0 as anybody from rates where population = 'evaluable'
),
rate_rows as (
    select
        1 as position,
        'objective_response_rate' as headline,
        population,
        population = 'evaluable' as is_lead,
        n_with,
        n,
        case when anybody then percent end as value,
        case when anybody then lower_percent end as lower,
        case when anybody then upper_percent end as upper,
        '%' as unit,
        null::double as p_value,
        case when not anybody then 'no_assessment' end as reason
    from rates
    cross join assessed
),
median_rows as (
    select
        2,
        'median_overall_survival',
        population,
        population = 'infused',
        n_events,
        n,
        median_months,
        lower_months,
        upper_months,
        'months',
        null,
        null
    from medians
),
association_rows as (
    select
        3,
        'primary_association',
        null,
        true,
        n_exposed,
        n,
        estimate,
        lower,
        upper,
        estimate_name,
        p_value,
        reason
    from primary_analyses
),
headlines as (
    select * from rate_rows
    union all
    select * from median_rows
    union all
    select * from association_rows
)
select *
from headlines
order by position, is_lead desc, list_position(['evaluable', 'infused', 'enrolled'], population);
