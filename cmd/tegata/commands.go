package main

// commands lists everything `tegata` does, in the order of `tegata help`.
func commands() []command {
	return []command{
		{"up", "[-data DIR] [-listen 127.0.0.1:8400]", "the whole neighbourhood in one process", up},
		{"init", "-data DIR [-listen HOST:PORT]", "make a sandbox and stop", initSandbox},
		{"card list", "[-json]", "the cards of the sandbox", cardList},
		{"card show", "CARD [-json]", "one card", cardShow},
		{"card insert", "CARD -into phone:ID|vpcd:HOST:PORT", "hold a card to a slot until interrupted", cardInsert},
		{"clock show", "", "the neighbourhood's time", clockShow},
		{"clock advance", "DURATION", "time travel, forward only", clockAdvance},
		{"audit check", "[-data DIR]", "recompute the audit chains", auditCheck},
	}
}
