-- Grain: one month of a regular grid under one Kaplan-Meier curve, with the subjects still at risk then.
create or replace view survival_at_risk as
with
steps as (
    select * from survival_curves
),
summaries as (
    select endpoint, population, landmark_day, "group", n from survival_summaries
),
spans as (
    select endpoint, population, landmark_day, max(time_days) / 30.4375 as months
    from steps
    group by endpoint, population, landmark_day
),
grids as (
    -- At most nine numbers fit under a plot.
    select
        endpoint,
        population,
        landmark_day,
        unnest(
            generate_series(
                0,
                ceil(months)::integer,
                case when months <= 12 then 3 when months <= 48 then 6 when months <= 96 then 12 else 24 end
            )
        ) as month
    from spans
),
curves_on_grid as (
    select summaries.*, grids.month
    from summaries
    inner join grids using (endpoint, population, landmark_day)
),
gone as (
    -- A subject whose event or censoring falls on a day is at risk on that day.
    select
        curves_on_grid.endpoint,
        curves_on_grid.population,
        curves_on_grid.landmark_day,
        curves_on_grid."group",
        curves_on_grid.month,
        curves_on_grid.n,
        coalesce(sum(steps.n_events + steps.n_censored), 0)::bigint as n_gone
    from curves_on_grid
    left join steps
        on steps.endpoint = curves_on_grid.endpoint
        and steps.population = curves_on_grid.population
        and steps.landmark_day = curves_on_grid.landmark_day
        and steps."group" = curves_on_grid."group"
        and steps.time_days < curves_on_grid.month * 30.4375
    group by all
)
select endpoint, population, landmark_day, "group", month, n - n_gone as n_at_risk
from gone
order by endpoint, population, landmark_day, "group", month;
