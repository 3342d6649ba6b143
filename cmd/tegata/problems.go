package main

import (
	"net/http"

	"tegata/internal/problem"
)

var errAuditBroken = problem.New(problem.Refused, http.StatusConflict, "audit-broken",
	problem.Text{Title: "監査記録のつながりが切れています。", Detail: "上に示した場所より後の記録は信用できません。控えと照らし合わせてください。"},
	problem.Text{Title: "A chain of audit records is broken.", Detail: "Nothing after the place named above can be relied on; compare with a copy."})
