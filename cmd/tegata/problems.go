package main

import (
	"net/http"

	"tegata/internal/problem"
)

var errAuditBroken = problem.New(problem.Refused, http.StatusConflict, "audit-broken",
	problem.Text{Title: "監査記録のつながりが切れています。", Detail: "上に示した場所より後の記録は信用できません。控えと照らし合わせてください。"},
	problem.Text{Title: "A chain of audit records is broken.", Detail: "Nothing after the place named above can be relied on; compare with a copy."})

var errLedgerChanged = problem.New(problem.Refused, http.StatusConflict, "ledger-changed",
	problem.Text{Title: "証明書の台帳が、監査記録と合っていません。", Detail: "上に示した行は、記録なしに書き換えられています。控えと照らし合わせるまで、失効情報を信用しないでください。"},
	problem.Text{Title: "The ledger of certificates is not what its audit records say.", Detail: "The row named above was changed without a record. Compare with a copy, and rely on no status until then."})
