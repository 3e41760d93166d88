package stack

import (
	"context"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/coldfuse/coldfuse/local/template"
)

// exercise has the Java process compile what the functions will need of it: its
// first answers take longer than they wait for the real DynamoDB.
func exercise(ctx context.Context, client *dynamodb.Client, t template.Table) error {
	key := map[string]types.AttributeValue{}
	for _, k := range []template.Key{t.Hash, t.Range} {
		if k.Type == "S" {
			key[k.Name] = &types.AttributeValueMemberS{Value: "exercise"}
		}
	}
	const clients, rounds = 8, 25
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for range rounds {
				errs[i] = errors.Join(errs[i], writeAndRead(ctx, client, t.Name, key))
			}
		})
	}
	wg.Wait()
	_, err := client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &t.Name, Key: key})
	return errors.Join(append(errs, err)...)
}

func writeAndRead(ctx context.Context, client *dynamodb.Client, table string, key map[string]types.AttributeValue) error {
	_, err := client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &table, Key: key,
		ConditionExpression: aws.String("attribute_not_exists(n) OR n = :one"),
		UpdateExpression:    aws.String("SET n = if_not_exists(n, :one) ADD s :set"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":one": &types.AttributeValueMemberN{Value: "1"},
			":set": &types.AttributeValueMemberSS{Value: []string{"element"}},
		},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err != nil {
		return err
	}
	_, err = client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key})
	return err
}
