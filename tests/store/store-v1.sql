-- The record as version 1 of its tables wrote it. Never edit: it stands for the files that people have.
BEGIN TRANSACTION;
CREATE TABLE "answers" (
   "id" INTEGER PRIMARY KEY,
   "scenario" TEXT NOT NULL,
   "question" TEXT NOT NULL,
   "option" TEXT,
   "right" INTEGER NOT NULL,
   "misconception" TEXT,
   "confidence" INTEGER,
   "answered" TEXT NOT NULL
);
INSERT INTO "answers" VALUES(1,'cqrs','q1','both',0,'two databases',90,'2026-11-22T10:00:00+00:00');
CREATE TABLE "claims" (
   "id" INTEGER PRIMARY KEY,
   "run_id" INTEGER NOT NULL REFERENCES "runs"("id"),
   "claim" TEXT,
   "text" TEXT,
   "kind" TEXT,
   "outcome" TEXT,
   "evidence" TEXT
);
INSERT INTO "claims" VALUES(1,1,'c','text','measured','held','e');
INSERT INTO "claims" VALUES(2,1,'r','text','reported',NULL,'');
CREATE TABLE "comparisons" (
   "id" INTEGER PRIMARY KEY,
   "run_id" INTEGER NOT NULL REFERENCES "runs"("id"),
   "metric" TEXT,
   "workload" TEXT,
   "a" TEXT,
   "b" TEXT,
   "ratio" REAL,
   "low" REAL,
   "high" REAL,
   "outcome" TEXT
);
INSERT INTO "comparisons" VALUES(1,1,'m0','calm','d0','d1',1.0,0.9,1.1,'equivalent');
CREATE TABLE "designs" (
   "id" INTEGER PRIMARY KEY,
   "run_id" INTEGER NOT NULL REFERENCES "runs"("id"),
   "name" TEXT,
   "title" TEXT,
   "role" TEXT,
   "order" INTEGER,
   "lines" INTEGER,
   "modules" INTEGER,
   "processes" INTEGER,
   "tables" INTEGER,
   "queues" INTEGER,
   "change_files" INTEGER,
   "change_added" INTEGER,
   "change_removed" INTEGER,
   "promises" TEXT
);
INSERT INTO "designs" VALUES(1,1,'d0','title','baseline',1,0,0,0,0,0,0,0,0,'p');
INSERT INTO "designs" VALUES(2,1,'d1','title','baseline',2,0,0,0,0,0,0,0,0,'p');
INSERT INTO "designs" VALUES(3,1,'d2','title','baseline',3,0,0,0,0,0,0,0,0,'p');
INSERT INTO "designs" VALUES(4,1,'d3','title','baseline',4,0,0,0,0,0,0,0,0,'p');
CREATE TABLE "faults" (
   "id" INTEGER PRIMARY KEY,
   "run_id" INTEGER NOT NULL REFERENCES "runs"("id"),
   "name" TEXT,
   "design" TEXT,
   "planned" INTEGER,
   "injected" INTEGER
);
INSERT INTO "faults" VALUES(1,1,'killed','d3',3,3);
CREATE TABLE "measurements" (
   "id" INTEGER PRIMARY KEY,
   "run_id" INTEGER NOT NULL REFERENCES "runs"("id"),
   "experiment" TEXT,
   "design" TEXT,
   "workload" TEXT,
   "metric" TEXT,
   "at" TEXT,
   "unit" TEXT,
   "better" TEXT,
   "value" REAL,
   "low" REAL,
   "high" REAL,
   "n" INTEGER,
   "rounds" INTEGER,
   "by_round" TEXT,
   "over" TEXT,
   "per_round" INTEGER,
   "utilisation" REAL,
   "note" TEXT
);
INSERT INTO "measurements" VALUES(1,1,'load','d0','calm','m0','{"rtt": 0}','s','lower',0.0,NULL,1.5,60,5,'[0.1, 1]','[]',0,NULL,'');
INSERT INTO "measurements" VALUES(2,1,'load','d1','calm','m1','{"rtt": 1}','s','lower',1.42857142857142849212e-01,NULL,1.5,60,5,'[0.1, 1]','[]',0,NULL,'');
CREATE TABLE "predictions" (
   "id" INTEGER PRIMARY KEY,
   "run_id" INTEGER REFERENCES "runs"("id"),
   "scenario" TEXT,
   "workload" TEXT,
   "design" TEXT,
   "confidence" INTEGER,
   "knobs" TEXT,
   "made" TEXT
);
INSERT INTO "predictions" VALUES(1,1,'cqrs','calm','d0',70,'{"rows": 1}','2026-11-22T19:41:11+00:00');
CREATE TABLE "requirements" (
   "id" INTEGER PRIMARY KEY,
   "run_id" INTEGER NOT NULL REFERENCES "runs"("id"),
   "requirement" TEXT,
   "metric" TEXT,
   "at_most" REAL,
   "unit" TEXT,
   "workload" TEXT,
   "design" TEXT,
   "outcome" TEXT,
   "why" TEXT,
   "margin" REAL
);
INSERT INTO "requirements" VALUES(1,1,'in-time','m0',0.1,'s','calm','d0','met','because',3.2);
CREATE TABLE "runs" (
   "id" INTEGER PRIMARY KEY,
   "scenario" TEXT NOT NULL,
   "topic" TEXT,
   "question" TEXT,
   "seed" INTEGER,
   "started" TEXT NOT NULL,
   "seconds" REAL,
   "quick" INTEGER,
   "valid" INTEGER NOT NULL,
   "invalid_reasons" TEXT,
   "noise" REAL,
   "tracing_cost" REAL,
   "findings" TEXT,
   "turned" TEXT,
   "data" TEXT,
   "environment" TEXT
);
INSERT INTO "runs" VALUES(1,'cqrs','19','?',1,'2026-11-22T10:00:01+00:00',9.6,1,1,'[]',0.04,NULL,'["one", "two"]','{"rows": 50}','{"calm": "abc"}','{"python": "3.11", "nested": {"seed": [1, null]}}');
CREATE TABLE "spans" (
   "id" INTEGER PRIMARY KEY,
   "of_trace" INTEGER NOT NULL REFERENCES "traces"("id"),
   "trace_id" TEXT,
   "span_id" TEXT,
   "parent_id" TEXT,
   "name" TEXT,
   "start" REAL,
   "end" REAL,
   "process" TEXT,
   "attributes" TEXT
);
INSERT INTO "spans" VALUES(1,1,'t1','s0',NULL,'SELECT',0.0,1.0,'w','{}');
INSERT INTO "spans" VALUES(2,1,'t1','s1','s0','SELECT',1.0,2.0,'w','{}');
CREATE TABLE "traces" (
   "id" INTEGER PRIMARY KEY,
   "run_id" INTEGER NOT NULL REFERENCES "runs"("id"),
   "design" TEXT,
   "workload" TEXT,
   "operation" TEXT,
   "wait" REAL,
   "picked" TEXT,
   "untraced" REAL
);
INSERT INTO "traces" VALUES(1,1,'d0','calm','page',0.1,'median',NULL);
INSERT INTO "traces" VALUES(2,1,'d1','calm','page',0.2,'slowest',0.3);
CREATE TABLE "verdicts" (
   "id" INTEGER PRIMARY KEY,
   "run_id" INTEGER NOT NULL REFERENCES "runs"("id"),
   "workload" TEXT,
   "status" TEXT,
   "design" TEXT,
   "candidates" TEXT
);
INSERT INTO "verdicts" VALUES(1,1,'calm','sufficient','d0','["d0"]');
INSERT INTO "verdicts" VALUES(2,1,'pressure','uncertain',NULL,'["d1", "d2"]');
CREATE TABLE "workloads" (
   "id" INTEGER PRIMARY KEY,
   "run_id" INTEGER NOT NULL REFERENCES "runs"("id"),
   "name" TEXT,
   "says" TEXT,
   "settings" TEXT
);
INSERT INTO "workloads" VALUES(1,1,'calm','','{"rows": 1}');
INSERT INTO "workloads" VALUES(2,1,'pressure','','{"rows": 5000}');
CREATE INDEX "idx_runs_scenario"
    ON "runs" ("scenario");
CREATE INDEX "idx_workloads_run_id"
    ON "workloads" ("run_id");
CREATE INDEX "idx_designs_run_id"
    ON "designs" ("run_id");
CREATE INDEX "idx_measurements_run_id"
    ON "measurements" ("run_id");
CREATE INDEX "idx_comparisons_run_id"
    ON "comparisons" ("run_id");
CREATE INDEX "idx_requirements_run_id"
    ON "requirements" ("run_id");
CREATE INDEX "idx_verdicts_run_id"
    ON "verdicts" ("run_id");
CREATE INDEX "idx_claims_run_id"
    ON "claims" ("run_id");
CREATE INDEX "idx_faults_run_id"
    ON "faults" ("run_id");
CREATE INDEX "idx_traces_run_id"
    ON "traces" ("run_id");
CREATE INDEX "idx_spans_of_trace"
    ON "spans" ("of_trace");
CREATE INDEX "idx_predictions_run_id"
    ON "predictions" ("run_id");
CREATE INDEX "idx_answers_scenario_question"
    ON "answers" ("scenario", "question");
COMMIT;
PRAGMA user_version = 1;
PRAGMA application_id = 1634886508;
