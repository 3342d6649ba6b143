package bank

import "tegata/internal/problem"

// What the bank refuses, and what it could not do.
var (
	// ErrSecond: this person has such an account, or an application under review.
	ErrSecond = problem.NewRefused(409, "bank-second",
		"口座は、おひとり1つです。", "あなたの口座か、審査中の申し込みがあります。新しい口座は作っていません。",
		"Each person has one account.", "You have an account, or an application under review. Nothing new was made.")
	// ErrTooYoung: below 15, who has no certificate for signatures.
	ErrTooYoung = problem.NewRefused(403, "bank-too-young",
		"15歳未満の方は、ここでは申し込めません。", "保護者の方と窓口へお越しください。何も保存していません。",
		"Below 15 one cannot apply here.", "Come to a branch with your parent or guardian. Nothing was stored.")
	// ErrMinor: 15 to 17, whose parent or guardian has to agree at a branch.
	ErrMinor = problem.NewRefused(403, "bank-minor",
		"18歳未満の方は、保護者の同意が必要です。", "ここでは同意を受け付けていません。保護者の方と窓口へお越しください。何も保存していません。",
		"Below 18 a parent or guardian has to agree.", "That cannot be done here. Come to a branch together. Nothing was stored.")
	// ErrFacts: not all of the four attributes were allowed.
	ErrFacts = problem.NewYourTurn(403, "bank-facts",
		"名前・住所・生年月日・性別の4つが必要です。", "ログアウトしてからもう一度ログインし、スマートフォンで4つとも「渡す」にしてください。何も保存していません。",
		"It takes all four: name, address, date of birth and sex.", "Log out, log in again, and switch all four on at the phone. Nothing was stored.")
	// ErrChoices: something was not chosen.
	ErrChoices = problem.NewYourTurn(400, "bank-choices",
		"職業と取引の目的を選んでください。", "まだ何も申し込んでいません。",
		"Choose an occupation and a purpose.", "Nothing was applied for yet.")
	// ErrSignature: the signature does not hold, or is not of the person who logged in.
	ErrSignature = problem.NewRefused(403, "bank-signature",
		"署名を受け付けられませんでした。", "ログインした方の、有効な署名ではありません。何も保存していません。",
		"The signature could not be accepted.", "It is no valid signature of whoever logged in. Nothing was stored.")
	// ErrDeclined: the person did not agree on the phone, or the time was over.
	ErrDeclined = problem.NewYourTurn(403, "bank-declined",
		"スマートフォンでの確認は、行われませんでした。", "何も保存していません。もう一度始められます。",
		"Nothing was confirmed on the phone.", "Nothing was stored. You can begin again.")
	// ErrAnswer: what the browser brought back answers nothing that it began here.
	ErrAnswer = problem.NewRefused(403, "bank-answer",
		"このブラウザーで始めた確認への回答ではありません。", "何も保存していません。始めからやり直してください。",
		"This answers nothing that this browser began.", "Nothing was stored. Begin again.")
	// ErrProvider: the provider refused this bank, or gave no usable answer.
	ErrProvider = problem.New(problem.CouldNotCheck, 502, "bank-provider",
		problem.Text{Title: "確認の窓口が、依頼を受け付けませんでした。", Detail: "何も保存していません。少し待って、もう一度お試しください。"},
		problem.Text{Title: "The login desk did not take the request.", Detail: "Nothing was stored. Wait a moment and try again."})
)
