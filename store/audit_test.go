package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/store"
	"tegata/store/storetest"
)

var (
	when  = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	clerk = audit.Actor{Party: "municipality", Kind: "person", ID: "7f3a"}
)

func write(t *testing.T, db *store.DB, n int) {
	t.Helper()
	for i := range n {
		if err := db.Write(t.Context(), func(tx store.Tx) error {
			return store.Audit(t.Context(), tx, when.Add(time.Duration(i)*time.Second), clerk, "card.order", fmt.Sprint("card-", i), map[string]string{"b": "2", "a": "1"})
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAWholeChainIsWhole(t *testing.T) {
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		for _, n := range []int{0, 1, 5} {
			write(t, db, n)
			if err := db.CheckAudit(t.Context()); err != nil {
				t.Errorf("%d more records: %v", n, err)
			}
		}
	})
}

// Every way to touch a record or the head is noticed, and at its place.
func TestTheChainNamesWhereItBreaks(t *testing.T) {
	cases := map[string]struct {
		change string
		at     int64
	}{
		"a changed time":                   {"UPDATE store_audit SET at_ms = at_ms + 1 WHERE seq = 3", 3},
		"another role":                     {"UPDATE store_audit SET party = 'issuer' WHERE seq = 3", 3},
		"another kind":                     {"UPDATE store_audit SET kind = 'system' WHERE seq = 3", 3},
		"another actor":                    {"UPDATE store_audit SET actor = 'nobody' WHERE seq = 3", 3},
		"another action":                   {"UPDATE store_audit SET action = 'card.void' WHERE seq = 1", 1},
		"another object":                   {"UPDATE store_audit SET object = 'card-9' WHERE seq = 5", 5},
		"another detail":                   {"UPDATE store_audit SET detail = '{}' WHERE seq = 2", 2},
		"letters moved between fields":     {"UPDATE store_audit SET action = 'card.orderc', object = 'ard-1' WHERE seq = 2", 2},
		"another hash":                     {"UPDATE store_audit SET hash = (SELECT hash FROM store_audit WHERE seq = 1) WHERE seq = 4", 4},
		"a record taken out":               {"DELETE FROM store_audit WHERE seq = 4", 4},
		"the first record taken out":       {"DELETE FROM store_audit WHERE seq = 1", 1},
		"the last record taken out":        {"DELETE FROM store_audit WHERE seq = 5", 5},
		"the head set back":                {"UPDATE store_audit_head SET seq = 4, hash = (SELECT hash FROM store_audit WHERE seq = 4)", 5},
		"the head's hash changed":          {"UPDATE store_audit_head SET hash = (SELECT hash FROM store_audit WHERE seq = 4)", 5},
		"all records taken out":            {"DELETE FROM store_audit", 1},
		"a record moved behind the last":   {"UPDATE store_audit SET seq = 6 WHERE seq = 2", 2},
		"a copy added behind the last one": {"INSERT INTO store_audit SELECT 6, at_ms, party, kind, actor, action, object, detail, hash FROM store_audit WHERE seq = 5", 6},
	}
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		write(t, db, 5)
		for _, table := range []string{"store_audit", "store_audit_head"} {
			exec(t, db, "CREATE TABLE kept_"+table+" AS SELECT * FROM "+table)
		}
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				exec(t, db, c.change)
				err := db.CheckAudit(t.Context())
				broken, ok := errors.AsType[*store.AuditBreak](err)
				if !ok || broken.Seq != c.at {
					t.Errorf("got %v, want a break at record %d", err, c.at)
				}
				for _, table := range []string{"store_audit", "store_audit_head"} {
					exec(t, db, "DELETE FROM "+table)
					exec(t, db, "INSERT INTO "+table+" SELECT * FROM kept_"+table)
				}
				if err := db.CheckAudit(t.Context()); err != nil {
					t.Errorf("put back: %v", err)
				}
			})
		}
	})
}

func TestARecordIsThereExactlyWhenItsStepIs(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		stop := errors.New("stop")
		err := db.Write(t.Context(), func(tx store.Tx) error {
			if err := store.Audit(t.Context(), tx, when, clerk, "thing.make", "1", nil); err != nil {
				return err
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		if seq, _, err := db.AuditHead(t.Context()); err != nil || seq != 0 {
			t.Errorf("a record of a step that did not happen: %d %v", seq, err)
		}
	})
}

func TestNobodyActsWithoutAName(t *testing.T) {
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		for _, who := range []audit.Actor{{}, {Party: "phone"}, {Party: "phone", Kind: "person"}} {
			if err := db.Write(t.Context(), func(tx store.Tx) error {
				return store.Audit(t.Context(), tx, when, who, "x", "y", nil)
			}); err == nil {
				t.Errorf("%v acted", who)
			}
		}
	})
}
