package bank

import "context"

// Cash puts cash into an account, or takes it out when amount is negative. The same key
// again changes nothing. It returns ErrFunds, ErrCooling, ErrHeld.
func (b *Bank) Cash(ctx context.Context, account, key string, amount int64) error {
	return b.conf.Store.Cash(ctx, b.conf.Now(), account, key, amount)
}

// Entries are the last lines of an account's ledger, the newest first.
func (b *Bank) Entries(ctx context.Context, account string, most int) ([]Entry, error) {
	return b.conf.Store.Entries(ctx, account, most)
}

// Balance is an account's, in yen.
func (b *Bank) Balance(ctx context.Context, account string) (int64, error) {
	return b.conf.Store.Balance(ctx, account)
}
