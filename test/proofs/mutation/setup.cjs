// A property that fails has killed its mutant: no need to look for the smallest example. The seed is fixed, so that a run can be repeated.
require('fast-check').configureGlobal({ endOnFailure: true, seed: 20_260_601 });
