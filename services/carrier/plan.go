package carrier

import (
	"slices"

	"tegata/internal/ui"
)

// Plan is what one can take out.
type Plan struct {
	Code      string
	Name      string // in Japanese, as the contract has it
	NameEN    string
	Gigabytes int
	Voice     bool  // calls; a data line has neither calls nor a number to take along
	Price     int64 // yen a month, tax included
	Months    int   // least term; 0: none
	Fee       int64 // yen, for ending the contract at any time
}

// Portable says whether the number may be taken to another carrier. Numbers of data lines
// (020) are not ported.
func (p Plan) Portable() bool { return p.Voice }

// Plans are all plans.
func Plans() []Plan {
	return []Plan{
		{Code: "leaf", Name: "このは 3GB", NameEN: "Leaf 3 GB", Gigabytes: 3, Voice: true, Price: 990},
		{Code: "tree", Name: "こだち 20GB", NameEN: "Trees 20 GB", Gigabytes: 20, Voice: true, Price: 2480},
		{Code: "spring", Name: "いずみ データ専用 10GB", NameEN: "Spring, data only, 10 GB", Gigabytes: 10, Price: 1280},
	}
}

// FindPlan is the plan of a code.
func FindPlan(code string) (Plan, bool) {
	all := Plans()
	i := slices.IndexFunc(all, func(p Plan) bool { return p.Code == code })
	if i < 0 {
		return Plan{}, false
	}
	return all[i], true
}

// Title is the plan's name.
func (p Plan) Title() ui.Text { return ui.Text{JA: p.Name, EN: p.NameEN} }
