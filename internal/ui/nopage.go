package ui

import (
	"net/http"

	"tegata/internal/problem"
)

// ErrNoPage is what every party's pages answer at an address that is none of theirs.
var ErrNoPage = problem.New(problem.Refused, http.StatusNotFound, "no-such-page",
	problem.Text{Title: "このページはありません。", Detail: "アドレスが違うか、もう片づけられた記録です。はじめの画面からやり直してください。"},
	problem.Text{Title: "There is no such page.", Detail: "The address is wrong, or the record was already cleared away. Begin again from the first page."})
