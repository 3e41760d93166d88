// Command echo is a Lambda function whose behaviour its event decides.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do      string `json:"do"`
	Size    int    `json:"size"`
	SleepMS int    `json:"sleep_ms"`
}

type answer struct {
	PID     int    `json:"pid"`
	Call    int    `json:"call"`
	ID      string `json:"id"`
	Left    int64  `json:"left_ms"`
	Env     string `json:"env"`
	Padding string `json:"padding,omitempty"`
}

func main() {
	switch os.Getenv("INIT") {
	case "exit":
		fmt.Println("refusing to start")
		os.Exit(1)
	case "hang":
		select {}
	}
	calls := 0
	lambda.Start(func(ctx context.Context, e event) (answer, error) {
		calls++
		fmt.Println("call", calls, e.Do)
		time.Sleep(time.Duration(e.SleepMS) * time.Millisecond)
		switch e.Do {
		case "fail":
			return answer{}, errors.New("no luck")
		case "panic":
			panic("oh")
		case "exit":
			os.Exit(3)
		}
		deadline, _ := ctx.Deadline()
		lc, _ := lambdacontext.FromContext(ctx)
		return answer{os.Getpid(), calls, lc.AwsRequestID, time.Until(deadline).Milliseconds(),
			os.Getenv("GREETING"), strings.Repeat("x", e.Size)}, nil
	})
}
