-- Grain: one time at which the cumulative incidence of loss of one antigen's responses changes, primary series.
create or replace view loss_incidence as
with
in_force as (
    select assay, population, readout, rule from analysis_in_force
),
curves as (
    select loss_curves.*
    from loss_curves
    inner join in_force using (assay, population, readout, rule)
    where loss_curves.curve <> 'turnbull'
),
sizes as (
    select antigen, max(n_series) as n_series
    from curves
    group by antigen
),
times as (
    select antigen, time_days from curves
    union
    select antigen, 0.0 from sizes
),
midpoints as (
    select antigen, time_days, loss, death from curves where curve = 'midpoint'
),
lefts as (
    select antigen, time_days, loss from curves where curve = 'left'
),
rights as (
    select antigen, time_days, loss from curves where curve = 'right'
),
-- Each curve keeps its last value until it changes again.
drawn as (
    select
        times.antigen,
        times.time_days,
        coalesce(midpoints.loss, 0) as loss,
        coalesce(midpoints.death, 0) as death,
        coalesce(lefts.loss, 0) as loss_if_left,
        coalesce(rights.loss, 0) as loss_if_right
    from times
    asof left join midpoints on times.antigen = midpoints.antigen and times.time_days >= midpoints.time_days
    asof left join lefts on times.antigen = lefts.antigen and times.time_days >= lefts.time_days
    asof left join rights on times.antigen = rights.antigen and times.time_days >= rights.time_days
),
declared as (
    select antigen, position from analysis_antigens
)
select
    antigen,
    sizes.n_series,
    drawn.time_days,
    drawn.time_days / 30.4375 as time_months,
    drawn.loss,
    drawn.death,
    drawn.loss_if_left,
    drawn.loss_if_right,
    coalesce(declared.position, 0) as position
from drawn
inner join sizes using (antigen)
left join declared using (antigen)
order by position, antigen, drawn.time_days;
