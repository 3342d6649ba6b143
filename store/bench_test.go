package store_test

import (
	"context"
	"testing"

	"tegata/store"
	"tegata/store/storetest"
)

// The measured ratios are `tegata bench`'s; these find what became slower.

func openBench(b *testing.B) (*store.DB, context.Context) {
	db, err := store.Create(b.Context(), storetest.SQLite(b))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	if err := db.Migrate(b.Context(), tables); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context()) // as a request's
	b.Cleanup(cancel)
	return db, ctx
}

func BenchmarkRead(b *testing.B) {
	db, ctx := openBench(b)
	b.ReportAllocs()
	for b.Loop() {
		var n int64
		if err := db.Read(ctx, func(tx store.Tx) error {
			return tx.QueryRow(ctx, "SELECT COUNT(*) FROM thing WHERE id = $1", []byte{1}).Scan(&n)
		}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	db, ctx := openBench(b)
	write := func() error {
		return db.Write(ctx, func(tx store.Tx) error { return store.Audit(ctx, tx, when, clerk, "thing", "1", nil) })
	}
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := write(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("many", func(b *testing.B) {
		b.SetParallelism(8)
		b.ReportAllocs()
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				if err := write(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}
