module example.com/order-totals

go 1.21
