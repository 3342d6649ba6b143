package street

import (
	"net/http"

	"tegata/internal/problem"
)

var (
	errReader = problem.New(problem.Refused, http.StatusBadRequest, "unknown-reader",
		problem.Text{Title: "この読み取り口にはかざせません", Detail: "この町のスマホや端末の読み取り口ではありません。スマホの画面からもう一度開いてください。"},
		problem.Text{Title: "A card cannot be held to that reader", Detail: "It is no reader of a phone or terminal of this neighbourhood. Open this page from the phone again."})
	errNoPad = problem.New(problem.YourTurn, http.StatusConflict, "no-key-pad",
		problem.Text{Title: "キーパッドのある読み取り口にカードがありません", Detail: "先にカードを読み取り口に置いてください。何も送られていません。"},
		problem.Text{Title: "No card lies in a reader with a key pad", Detail: "Put the card to the reader first. Nothing was sent."})
	errPadPIN = problem.New(problem.YourTurn, http.StatusBadRequest, "pad-pin",
		problem.Text{Title: "暗証番号は4けたの数字です", Detail: "もう一度押してください。カードには送られていません。回数には数えていません。"},
		problem.Text{Title: "The PIN has 4 digits", Detail: "Type it again. Nothing was sent to the card, and no try was counted."})
	errPadNumber = problem.New(problem.YourTurn, http.StatusBadRequest, "pad-number",
		problem.Text{Title: "窓口の画面の番号は2けたの数字です", Detail: "あなたの窓口の画面に出ている番号を見て、もう一度押してください。カードには送られていません。回数には数えていません。"},
		problem.Text{Title: "The number on the desk's screen has 2 digits", Detail: "Look at the number on your desk's screen and type again. Nothing was sent to the card, and no try was counted."})
	errWayBack = problem.New(problem.Refused, http.StatusBadRequest, "unknown-way-back",
		problem.Text{Title: "戻り先がこの町の中にありません", Detail: "カードはかざされていません。スマホの画面からもう一度開いてください。"},
		problem.Text{Title: "The way back leads out of this neighbourhood", Detail: "No card was held. Open this page from the phone again."})
	errNoCard = problem.New(problem.Refused, http.StatusNotFound, "no-such-card",
		problem.Text{Title: "そのカードはありません", Detail: "カードの一覧から選び直してください。"},
		problem.Text{Title: "There is no such card", Detail: "Choose one from the rack again."})
	errNoPhone = problem.New(problem.Refused, http.StatusNotFound, "no-such-phone",
		problem.Text{Title: "そのスマホはありません", Detail: "電源が入っているスマホを、スマホの一覧から開き直してください。"},
		problem.Text{Title: "There is no such phone", Detail: "Open one that is switched on from the list of phones again."})
	errClockBusy = problem.New(problem.YourTurn, http.StatusConflict, "clock-busy",
		problem.Text{Title: "時計はいま進んでいる途中です", Detail: "終わるまで待ってから、もう一度お試しください。"},
		problem.Text{Title: "The clock is already on its way", Detail: "Wait until it has arrived, then try again."})
	errDuration = problem.New(problem.YourTurn, http.StatusBadRequest, "bad-duration",
		problem.Text{Title: "進める長さを読み取れません", Detail: "「31d」「12h」「90m」のように書きます。進めるだけで、戻すことはできません。最長は10年です。"},
		problem.Text{Title: "That duration cannot be read", Detail: "Write it as 31d, 12h or 90m. The clock goes forward only, by at most ten years at a time."})
	errDays = problem.New(problem.YourTurn, http.StatusBadRequest, "bad-days",
		problem.Text{Title: "何日進めるかを読み取れません", Detail: "1から3650までの数で書きます。進めるだけで、戻すことはできません。"},
		problem.Text{Title: "That number of days cannot be read", Detail: "Write a number from 1 to 3650. The clock goes forward only."})
	errNotMade = problem.New(problem.CouldNotCheck, http.StatusServiceUnavailable, "not-made-yet",
		problem.Text{Title: "町はまだ準備中です", Detail: "最初の画面で進みぐあいを見られます。少し待ってください。"},
		problem.Text{Title: "The neighbourhood is still being made", Detail: "The start page shows how far it is. Wait a moment."})
	errLockCode = problem.New(problem.YourTurn, http.StatusBadRequest, "lock-code-missing",
		problem.Text{Title: "生年月日と停止コードを入力してください", Detail: "停止コードは、登録が終わったときにスマホに出た11けたの数字です。"},
		problem.Text{Title: "Enter the birth date and the lock code", Detail: "The lock code is the 11 digits that the phone showed when the registration was done."})
)
