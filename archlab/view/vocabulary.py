"""The glossary of archlab: each term that it uses in a sense of its own, with its meaning."""

from __future__ import annotations

from archlab.scenario import Word

WORDS = (
    Word(
        "scenario",
        "One topic: a problem, several designs that solve it, ordered from simple to complex, and claims about them. "
        "Every scenario is judged in at least two workloads: one without the problem (calm), one with it (pressure).",
        see=("design", "workload"),
    ),
    Word(
        "design",
        "One way to solve the problem, written as code that a competent colleague would ship. Its role is baseline, "
        "alternative, pattern or misuse.",
        also=("designs",),
        see=("baseline", "steelman", "misuse"),
    ),
    Word(
        "baseline",
        "The simplest design. Every other design must show what it gains over the baseline.",
        see=("steelman",),
    ),
    Word(
        "alternative",
        "A design between the baseline and the pattern. It is often the cheap design that is enough.",
        see=("steelman",),
    ),
    Word(
        "pattern",
        "The full form of the pattern that the topic is named after. It is one candidate among the others.",
        also=("full pattern",),
        see=("self-inflicted", "pays"),
    ),
    Word(
        "steelman",
        "The best cheap alternative to a pattern, such as an indexed query or a jobs table. A pattern that only beats "
        "a weak design has shown nothing, so the border is drawn against the steelman.",
        also=("straw man",),
        see=("border",),
    ),
    Word(
        "misuse",
        "The pattern, built in a plausible but wrong way, to show what goes wrong then. It is never a candidate for "
        "the verdict.",
        see=("verdict",),
    ),
    Word(
        "knob",
        "A number of the problem that you can change with --set: a rate, a size, a round trip. Each knob says how to "
        "find its value in a real system.",
        also=("knobs", "--set"),
        see=("workload", "border"),
    ),
    Word(
        "workload",
        "A set of values for the knobs: one situation in which the designs are judged. Every scenario has calm "
        "(without the problem) and pressure (with the problem).",
        also=("calm", "pressure", "workloads"),
        see=("knob",),
    ),
    Word(
        "requirement",
        "What the problem requires of a metric: a bound, and the reason for it. Each design meets or misses it at "
        "each workload, or the result is uncertain. It is also called an architectural fitness function.",
        also=("requirements", "bound", "fitness function", "met", "missed"),
        see=("margin", "p95"),
    ),
    Word(
        "metric",
        "A measured figure with its unit. It says whether lower or higher is better, and the smallest difference that "
        "anybody would notice.",
        also=("metrics",),
        see=("noticeable",),
    ),
    Word(
        "verdict",
        "The simplest design that meets every requirement of a workload. If this is uncertain, the verdict says so "
        "and names the first design that surely meets them all. A difference within the noise never counts in favour "
        "of the more complex design.",
        also=("simplest sufficient", "sufficient"),
        see=("enough", "pays", "uncertain"),
    ),
    Word(
        "enough",
        "✓ The simplest design meets every requirement. Nothing more is needed.",
        see=("verdict",),
    ),
    Word(
        "misses",
        "✗ The design misses at least one bound, in every round.",
        see=("requirement", "round"),
    ),
    Word(
        "pays",
        "★ The design meets every requirement, and no simpler design does. Here the complexity pays.",
        see=("self-inflicted",),
    ),
    Word(
        "self-inflicted",
        "+ The design meets every requirement, but a simpler design does too. Its extra cost (code, processes, stale "
        "data) buys nothing that a requirement asks for, even if it is faster.",
        also=("self-infl.", "self", "self inflicted", "over-engineering"),
        see=("pays", "bill"),
    ),
    Word(
        "uncertain",
        "? The bound is met in some rounds and missed in others, or too few requests were measured. Measure longer: "
        "--for 60s.",
        see=("round", "inconclusive"),
    ),
    Word(
        "border",
        "The value of a knob at which the verdict changes: on one side the simple design is enough, on the other side "
        "it is not. A border is measured, counted, or set by a requirement, and says which.",
        also=("borders",),
        see=("crossing",),
    ),
    Word(
        "crossing",
        "The point at which two costs are equal. It changes no decision, so it is not called a border.",
        see=("border",),
    ),
    Word(
        "p95",
        "95 of 100 requests are answered within this time. The mean hides slow requests, and the maximum is a single "
        "accident. A p95 needs at least 59 requests in a round.",
        also=("95 in 100", "percentile", "quantile", "p99", "latency"),
        see=("round", "open loop"),
    ),
    Word(
        "round",
        "One fresh start of a design, with its share of the requests. The designs take turns. Statistics count "
        "rounds, because requests within a round are too similar to count one by one.",
        also=("rounds", "n"),
        see=("interval",),
    ),
    Word(
        "interval",
        "The range that contains the true figure with 95 % confidence, computed from the rounds: 5.4  5.1–5.9 ms. Two "
        "figures whose intervals overlap may be equal.",
        also=("confidence interval", "95 %"),
        see=("noise floor",),
    ),
    Word(
        "noise floor",
        "How much the simplest design differs from itself, comparing its odd rounds with its even rounds. A smaller "
        "difference comes from the machine, not from the design.",
        also=("noise", "against itself"),
        see=("interval",),
    ),
    Word(
        "noticeable",
        "The smallest difference in a metric that would matter to anybody. A smaller one can be real and measurable, "
        "and still not matter.",
        also=("noticeable margin",),
        see=("equivalent",),
    ),
    Word(
        "equivalent",
        "The whole interval of a comparison lies within the noticeable margin, so the two designs are equally good. "
        "Otherwise the outcome is better, worse, or cannot tell.",
        also=("better", "worse", "cannot tell"),
    ),
    Word(
        "margin",
        "How far a design is from the bound that decides. Bound ÷ figure if it meets every bound, figure ÷ bound if "
        "it misses one. With less than 3 ×, another machine could give another verdict.",
        see=("region", "requirement"),
    ),
    Word(
        "region",
        "The workloads in which a design meets all its bounds, or those in which it misses one. A workload should lie "
        "well inside, so that another machine gives the same verdict.",
        also=("inside its region",),
        see=("margin", "border"),
    ),
    Word(
        "not asked",
        "The design does not serve this workload, or the run judged nothing there. A misuse serves only the workloads "
        "of the pattern that it misuses.",
        see=("misuse", "invalid"),
    ),
    Word(
        "open loop",
        "Requests arrive at their own times, whether or not the last one was answered, as those of real users do. "
        "Latency counts from the time at which a request was due.",
        also=("open-loop",),
        see=("closed loop", "coordinated omission"),
    ),
    Word(
        "closed loop",
        "Each request waits for the answer to the one before it. A slow design then receives fewer requests, which "
        "hides how slow it is. This is fine if nobody queues.",
        also=("closed-loop",),
        see=("open loop",),
    ),
    Word(
        "coordinated omission",
        "The error of not sending, and so not counting, requests while the system stalls. A server that stops for 300 "
        "ms then looks fast. Counting from the time at which a request was due avoids the error.",
        see=("open loop",),
    ),
    Word(
        "falls behind",
        "More work arrives than can be done (rate × service time above 100 %), so the queue keeps growing. A p95 "
        "would only show how long archlab measured, so none is given. Instead the screen shows 111 of 640/s: of the "
        "640 requests of this operation that arrive each second, the design serves 111.",
        also=("overload",),
        see=("busy", "open loop"),
    ),
    Word(
        "busy",
        "The share of the time in which a design serves requests: rate × service time ÷ number of requests it serves "
        "at once. At 100 % it falls behind. With services, this is the connection on which requests are sent, not the "
        "processes behind it.",
        also=("utilisation", "its connection"),
        see=("falls behind", "work alone"),
    ),
    Word(
        "wait",
        "In a waterfall, the time from when a request was due until a worker started on it (░). During this time the "
        "request stands in the queue behind earlier ones.",
        also=("queue", "░"),
        see=("waterfall", "work alone", "open loop"),
    ),
    Word(
        "work alone",
        "The time from when a worker started on a request until it was answered: latency without the wait. The noise "
        "floor is computed from it, because a queue would multiply every small difference.",
        also=("service time", "without any wait"),
        see=("wait", "noise floor"),
    ),
    Word(
        "at once",
        "0 s: the first look after a change already shows it.",
    ),
    Word(
        "claim",
        "One statement of the lesson, checked on your machine in every run. It is held, refuted or inconclusive, and "
        "shows the evidence. Modelled and reported claims are marked as such and are not judged. List the claims "
        "with: archlab claims",
        also=("claims", "held", "refuted"),
        see=("inconclusive", "modelled"),
    ),
    Word(
        "inconclusive",
        "The run measured too little to say whether a claim holds. Measure longer: --for 60s.",
        see=("claim", "uncertain"),
    ),
    Word(
        "modelled",
        "Computed from a formula that is shown, not measured. The other kinds of claim are measured (checked in this "
        "run) and reported (by others, with a source).",
        also=("reported", "measured"),
        see=("claim",),
    ),
    Word(
        "invalid",
        "The run broke a rule of fair measuring, so it gives no verdict. For example a planned fault was not "
        "injected, answers differed, or the machine slept.",
        also=("valid",),
        see=("fault", "answers differ"),
    ),
    Word(
        "answers differ",
        "All designs get the same requests and must give the same answers; otherwise the comparison would not be "
        "fair. If one answers differently, archlab shows the request, the field, both values, and the operation after "
        "which the difference was first seen. It also suggests a cause: stale (the answer was right before that "
        "operation), rounded (the same figure with fewer digits), or missing (the other design has a value there).",
        also=("answers differently", "differences"),
        see=("invalid",),
    ),
    Word(
        "fault",
        "Something that archlab breaks on purpose: it kills a process or sends a poison message. Each injection is "
        "counted where it happens. A planned fault that was not injected makes the run invalid.",
        also=("faults", "crash point"),
        see=("invalid",),
    ),
    Word(
        "bill",
        "What a design costs to read, run and change, counted: lines, processes, and the files and lines of the "
        "change request.",
        also=("the bill",),
        see=("change request",),
    ),
    Word(
        "change request",
        "The same product change, made to every design and kept as a patch. It shows what it costs to change each "
        "design.",
        also=("change",),
        see=("bill",),
    ),
    Word(
        "span",
        "One piece of work in a trace, with a name, a start, an end, its process, and the span that called it.",
        also=("spans",),
        see=("trace",),
    ),
    Word(
        "trace",
        "All spans of one request, in every process that worked on it.",
        also=("traces",),
        see=("span", "waterfall"),
    ),
    Word(
        "waterfall",
        "A trace drawn on a time scale. Here the wait in the queue comes first (░). Below it the work starts again at "
        "the left edge. The right edge ┃ is the bound. A design that falls behind shows several requests instead, "
        "each with its wait and its work in one bar.",
        see=("trace", "falls behind", "observer effect"),
    ),
    Word(
        "observer effect",
        "Tracing slows down the requests that it traces. So all figures come from requests without tracing, and TRUST "
        "says how much time tracing adds to one.",
        also=("tracing adds", "tracing"),
        see=("trace",),
    ),
    Word(
        "round trip",
        "The time for a message to the other side and its answer. A design that makes several in a row waits for each.",
        also=("rtt", "round-trip"),
    ),
    Word(
        "run",
        "One recorded execution of a scenario: measurements, traces, claims, seed and versions. archlab history lists "
        "the runs.",
        also=("runs", "seed"),
    ),
    Word(
        "quick",
        "--quick measures fewer rounds in a few seconds. Its verdict may be inconclusive where a full run would "
        "decide.",
        also=("--quick", "--for"),
    ),
    Word(
        "brier score",
        "How well your confidence matches your answers. For each answer with a confidence, archlab squares the "
        "distance between the confidence and the outcome (1 for right, 0 for wrong). The score is the mean of these "
        "squares. If you are 80 % sure, a right answer gives 0.04 and a wrong one 0.64. 0 is perfect and 1 is the "
        "worst. Somebody who always says 50 % gets 0.25. (Brier 1950.)",
        also=("brier", "calibration", "confidence"),
    ),
)
