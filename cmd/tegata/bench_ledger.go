package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/status"
	"tegata/store"
	issuerstore "tegata/store/issuer"
)

// benchLedger opens the ledger anew, as a status responder does when it starts, and
// weighs what a certificate takes in memory and on the disk.
func benchLedger(ctx context.Context, b *bench) ([]figure, error) {
	o, err := b.openOffice(ctx)
	if err != nil {
		return nil, err
	}
	least := int64(500)
	if b.quick {
		least = 10
	}
	for o.issued.Load() < least {
		if _, err := o.issue(ctx, pki.PhoneSign); err != nil {
			return nil, err
		}
	}
	size, err := o.databaseSize(ctx)
	if err != nil {
		return nil, err
	}
	own := issuerstore.New(o.db) // of its own: a store tells one ledger of changes
	var rows int64
	read := func(int) error {
		rows = 0
		_, _, err := own.LoadStatus(ctx, func(status.Recorded) { rows++ })
		return err
	}
	open := func(int) error {
		_, err := status.OpenLedger(ctx, own, o.now)
		return err
	}
	f, err := b.effort().versus(ctx, 1, open, read)
	if err != nil {
		return nil, err
	}
	f.Ours, f.Limit, f.KiB = f.Ours*float64(rows), f.Limit*float64(rows), f.KiB/float64(rows)
	memory, err := o.ledgerMemory(ctx)
	if err != nil {
		return nil, err
	}
	f.Work = "certificates taken in when the ledger opens"
	f.LimitIs = "reading the same rows from the store and forgetting them"
	f.Notes = []string{fmt.Sprintf("%d certificates; one takes %.0f bytes of the responder's memory and %.1f KiB of the database, with itself, its history and audit records",
		rows, memory/float64(rows), float64(size)/1024/float64(rows))}
	return []figure{f}, nil
}

// databaseSize is what the database's pages take, wherever they are at the moment.
func (o *benchOffice) databaseSize(ctx context.Context) (size int64, err error) {
	err = o.db.Read(ctx, func(tx store.Tx) error {
		return tx.QueryRow(ctx, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").Scan(&size)
	})
	return size, err
}

// ledgerMemory is what one more open ledger holds, some time after the last
// certificate was issued.
func (o *benchOffice) ledgerMemory(ctx context.Context) (float64, error) {
	held := make([]*status.Ledger, 32)
	later := func() time.Time { return o.now().Add(time.Hour) }
	before := heap()
	for i := range held {
		var err error
		if held[i], err = status.OpenLedger(ctx, issuerstore.New(o.db), later); err != nil {
			return 0, err
		}
	}
	grown := heap() - before
	runtime.KeepAlive(held)
	return max(0, grown/float64(len(held))), nil
}

// heap is how many bytes live.
func heap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first found to be finalized
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
