// Numbers the samples that are sent to the shadow's worker, over all of nginx's workers. nginx can't wait for room in the
// worker's socket; by the gaps in the numbers the worker knows what it has missed.

function number() {
    // After a restart of nginx the numbers go on far beyond the last: milliseconds since 1970, times as many as fit in one.
    return String(ngx.shared.samples.incr('number', 1, Date.now() * 1000));
}

export default { number };
