-- Grain: one step of one Kaplan-Meier curve under the primary rule, drawn from time 0.
create or replace view survival_steps as
with
steps as (
    select * from survival_curves
),
summaries as (
    select endpoint, population, landmark_day, "group", n from survival_summaries
),
starts as (
    select endpoint, population, landmark_day, "group", 0.0 as time_days, n as n_at_risk, 0 as n_events,
        0 as n_censored, 1.0 as survival, 1.0 as lower, 1.0 as upper
    from summaries
    where n > 0
),
drawn as (
    select * from starts
    anti join (select * from steps where time_days = 0)
        using (endpoint, population, landmark_day, "group")
    union all
    select endpoint, population, landmark_day, "group", time_days, n_at_risk, n_events, n_censored, survival, lower, upper
    from steps
)
select
    endpoint,
    population,
    landmark_day,
    "group",
    time_days,
    time_days / 30.4375 as time_months,
    n_at_risk,
    n_events,
    n_censored,
    survival,
    coalesce(lower, case when survival = 1 then 1.0 end) as lower,
    coalesce(upper, case when survival = 1 then 1.0 end) as upper
from drawn
order by endpoint, population, landmark_day, "group", time_days;
