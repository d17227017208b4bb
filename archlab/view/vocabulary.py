"""The glossary: every word that archlab uses in a sense of its own, whatever the topic. Nothing but data."""

from __future__ import annotations

from archlab.scenario import Word

WORDS = (
    Word(
        "scenario",
        "One topic: a problem, the designs that answer it, simplest first, and what is claimed about them. It is "
        "always judged with the problem present and with the problem absent.",
        see=("design", "workload"),
    ),
    Word(
        "design",
        "One way to build it, as code that a competent colleague would ship. Its role is baseline, alternative, "
        "pattern or misuse.",
        also=("designs",),
        see=("baseline", "steelman", "misuse"),
    ),
    Word(
        "baseline",
        "The simplest design. Everything else must show what it buys beyond it.",
        see=("steelman",),
    ),
    Word(
        "alternative",
        "A design between the baseline and the pattern: often the cheap one that is enough.",
        see=("steelman",),
    ),
    Word(
        "pattern",
        "The design that the topic is named after, in full. It is a candidate like the others, no more.",
        also=("full pattern",),
        see=("self-inflicted", "pays"),
    ),
    Word(
        "steelman",
        "The best cheap alternative to a pattern: an indexed query, a jobs table. A pattern that only beats a "
        "straw man has shown nothing, so the border is drawn against the steelman.",
        also=("straw man",),
        see=("border",),
    ),
    Word(
        "misuse",
        "A pattern's own failure mode, built to show its symptom: the pattern wired in a plausible wrong way. It "
        "is never a candidate for the verdict.",
        see=("verdict",),
    ),
    Word(
        "knob",
        "A number of the problem that you can turn with --set: a rate, a size, a round trip. Each says how to "
        "read its value from a real system.",
        also=("knobs", "--set"),
        see=("workload", "border"),
    ),
    Word(
        "workload",
        "Named settings of the knobs: one situation in which the designs are judged. Every scenario has calm (the "
        "problem absent) and pressure (the problem present).",
        also=("calm", "pressure", "workloads"),
        see=("knob",),
    ),
    Word(
        "requirement",
        "What the problem demands of a metric: a bound, and the reason for it. It is met, missed or uncertain for "
        "each design at each workload. Also called an architectural fitness function.",
        also=("requirements", "bound", "fitness function", "met", "missed"),
        see=("margin", "p95"),
    ),
    Word(
        "metric",
        "A measured figure with its unit, which direction is better, and the smallest difference that anybody "
        "would notice.",
        also=("metrics",),
        see=("noticeable",),
    ),
    Word(
        "verdict",
        "The simplest design that misses no requirement of a workload. If it is uncertain the verdict says so, "
        "with the first design that surely meets them all: noise never recommends the grander design.",
        also=("simplest sufficient", "sufficient"),
        see=("enough", "pays", "uncertain"),
    ),
    Word(
        "enough",
        "✓ The simplest design of all meets every bound. Nothing more is needed.",
        see=("verdict",),
    ),
    Word(
        "misses",
        "✗ At least one bound is missed, in every round.",
        see=("requirement", "round"),
    ),
    Word(
        "pays",
        "★ The design meets every bound and nothing simpler does: here the complexity pays.",
        see=("self-inflicted",),
    ),
    Word(
        "self-inflicted",
        "+ The design meets every bound, but something simpler does too. What it costs beyond that (code, "
        "processes, staleness) buys nothing that anybody asked for, even where it is faster.",
        also=("self-infl.", "self", "self inflicted", "over-engineering"),
        see=("pays", "bill"),
    ),
    Word(
        "uncertain",
        "? Some rounds keep the bound and some do not, or too few requests were seen to know. Measure longer: "
        "--for 60s.",
        see=("round", "inconclusive"),
    ),
    Word(
        "border",
        "The value of a knob at which the verdict changes: on this side the simple design is enough, on that side "
        "it is not. It is measured, counted or driven by a requirement, and says which.",
        also=("borders",),
        see=("crossing",),
    ),
    Word(
        "crossing",
        "Where two costs merely cross. Nobody's decision changes there, so it is never called a border.",
        see=("border",),
    ),
    Word(
        "p95",
        "The time within which 95 of 100 requests are answered. The mean would hide the slow ones; the maximum is "
        "one accident. A p95 needs at least 59 requests in a round to be known.",
        also=("95 in 100", "percentile", "quantile", "p99", "latency"),
        see=("round", "open loop"),
    ),
    Word(
        "round",
        "One fresh start of a design with its share of the load; designs take turns. The round is the unit of "
        "statistics: requests within one are too much alike to be counted one by one.",
        also=("rounds", "n"),
        see=("interval",),
    ),
    Word(
        "interval",
        "The range in which the true figure lies with 95 % confidence, computed from the rounds: 5.4  5.1–5.9 ms. "
        "Two figures whose intervals overlap may be the same.",
        also=("confidence interval", "95 %"),
        see=("noise floor",),
    ),
    Word(
        "noise floor",
        "The simplest design against itself, its odd rounds against its even ones. A difference smaller than that "
        "is this machine's mood, not the design's merit.",
        also=("noise", "against itself"),
        see=("interval",),
    ),
    Word(
        "noticeable",
        "The smallest difference in a metric that would change anybody's day. A smaller one can be real and "
        "measurable, and still not matter.",
        also=("noticeable margin",),
        see=("equivalent",),
    ),
    Word(
        "equivalent",
        "The whole interval of a comparison lies within the noticeable margin: the two are alike for every "
        "purpose. Otherwise it is better, worse, or this run cannot tell.",
        also=("better", "worse", "cannot tell"),
    ),
    Word(
        "margin",
        "By how much a design meets its tightest bound (bound ÷ figure), or misses the one that it breaks the most "
        "(figure ÷ bound). Below 3 × another machine could decide otherwise.",
        see=("region", "requirement"),
    ),
    Word(
        "region",
        "The side of its bounds on which a design lies at a workload: where it meets them all, or where it misses one. "
        "A workload is meant to lie well inside, where no other machine would turn the verdict.",
        also=("inside its region",),
        see=("margin", "border"),
    ),
    Word(
        "not asked",
        "The design does not serve this workload, or the run has judged nothing there. A misuse is asked only where "
        "the pattern is that it misuses.",
        see=("misuse", "invalid"),
    ),
    Word(
        "open loop",
        "Load that comes when it comes, whether or not the last request was answered: as real users do. Latency "
        "counts from when a request was due.",
        also=("open-loop",),
        see=("closed loop", "coordinated omission"),
    ),
    Word(
        "closed loop",
        "Load that waits for each answer before it asks again. It slows down with a slow design and so hides how "
        "slow it is; fine where nobody queues.",
        also=("closed-loop",),
        see=("open loop",),
    ),
    Word(
        "coordinated omission",
        "The error of not sending (and so not counting) requests while the system stalls. A server that stops for "
        "300 ms then looks fast. Counting from when a request was due avoids it.",
        see=("open loop",),
    ),
    Word(
        "falls behind",
        "More work comes than can be done (rate × service time above 100 %), so the queue grows for as long "
        "as one watches. A p95 would only tell how long that was: none is given. Instead stands 111 of 640/s: of the "
        "640 requests of that operation that are asked for in a second, it serves 111.",
        also=("overload",),
        see=("busy", "open loop"),
    ),
    Word(
        "busy",
        "The share of the time in which a design serves requests: rate × service time ÷ how many it serves at once. At "
        "100 % it falls behind. Over services it is the one connection on which requests are sent that is busy, not "
        "the processes behind it.",
        also=("utilisation", "its connection"),
        see=("falls behind", "work alone"),
    ),
    Word(
        "wait",
        "In a waterfall the time from when a request was due until a worker took it up (░). Nobody works on it then: "
        "it stands in the queue behind those that came before it.",
        also=("queue", "░"),
        see=("waterfall", "work alone", "open loop"),
    ),
    Word(
        "work alone",
        "The time from when a worker took a request up until it was answered: latency without the wait. The noise "
        "floor is told from it, for a queue would multiply every small difference.",
        also=("service time", "without any wait"),
        see=("wait", "noise floor"),
    ),
    Word(
        "at once",
        "0 s: whoever looks first after a change finds it.",
    ),
    Word(
        "claim",
        "One sentence of the lesson, checked on your machine in every run: held, refuted or inconclusive, with "
        "the evidence. What is modelled or reported by others is marked so and never judged. List them with: "
        "archlab claims",
        also=("claims", "held", "refuted"),
        see=("inconclusive", "modelled"),
    ),
    Word(
        "inconclusive",
        "The run saw too little to say whether a claim holds. Measure longer: --for 60s.",
        see=("claim", "uncertain"),
    ),
    Word(
        "modelled",
        "Computed from a formula that is shown, not measured. The other kinds are measured (checked in this run) "
        "and reported (by others, with a link).",
        also=("reported", "measured"),
        see=("claim",),
    ),
    Word(
        "invalid",
        "A rule of fair measuring was broken in this run (a fault never struck, answers differed, the machine "
        "slept), so nothing in it is judged.",
        also=("valid",),
        see=("fault", "answers differ"),
    ),
    Word(
        "answers differ",
        "All designs are asked the same things and must answer alike, or comparing them would not be fair. Where one "
        "does not, archlab shows the request, the field, both values, and the operation after which it was first "
        "seen. It also guesses: stale (the answer was right before that operation), rounded (the same figure with "
        "fewer digits), missing (there is nothing where the other design has a value).",
        also=("answers differently", "differences"),
        see=("invalid",),
    ),
    Word(
        "fault",
        "Something that the bench breaks on purpose: a process killed, a message poisoned. It is counted where it "
        "strikes; a planned fault that never struck makes the run invalid.",
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
        "The same product change made to every design, kept as a patch: what it costs to evolve.",
        also=("change",),
        see=("bill",),
    ),
    Word(
        "span",
        "One piece of work in a trace: a name, a start, an end, the process it ran in, and what called it.",
        also=("spans",),
        see=("trace",),
    ),
    Word(
        "trace",
        "All spans of one request, across every process that it touched.",
        also=("traces",),
        see=("span", "waterfall"),
    ),
    Word(
        "waterfall",
        "A trace drawn on a scale of time. Here the wait in the queue comes first (░), the work starts again at "
        "the left edge after it, and the right edge ┃ is the bound.",
        see=("trace", "observer effect"),
    ),
    Word(
        "observer effect",
        "What watching costs: traced requests are slower than untraced ones. So figures come from untraced "
        "requests, and TRUST prints what tracing adds to one.",
        also=("tracing adds", "tracing"),
        see=("trace",),
    ),
    Word(
        "round trip",
        "The time for a message there and an answer back. A design that makes many in turn pays for each.",
        also=("rtt", "round-trip"),
    ),
    Word(
        "run",
        "One recorded execution: designs × workloads, measurements, traces, claims, seed and versions. archlab "
        "history lists them.",
        also=("runs", "seed"),
    ),
    Word(
        "quick",
        "--quick measures a few rounds within seconds. It may say uncertain where a full run would know.",
        also=("--quick", "--for"),
    ),
    Word(
        "brier score",
        "How well your confidence fits your answers. For each answer that you give with a confidence, the distance "
        "between the confidence and the outcome (1 for right, 0 for wrong) is squared; the score is the mean. If you "
        "are 80 % sure, a right answer gives 0.04 and a wrong one 0.64. 0 is perfect and 1 is the worst. Somebody who "
        "always says 50 % gets 0.25. (Brier 1950.)",
        also=("brier", "calibration", "confidence"),
    ),
)
