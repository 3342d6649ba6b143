package status

// Asked is how many times sync was called.
func (l *Ledger) Asked() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.asked
}
