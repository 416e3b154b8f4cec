import sys; sys.argv=['x','7901','7902']
exec(open('/tmp/dk/strkey/fuzz.py').read().replace('\nmain()\n','\n'))
A=C(7901);B=C(7902)
import os
v=os.urandom(1<<20)
for seq in [[b'SET',b'v',v],[b'GETRANGE',b'v',b'5',b'900000'],[b'SET',b'v',b'short',b'GET'],[b'SET',b'v',v],[b'GETSET',b'v',v[::-1]],[b'GETRANGE',b'v',b'0',b'70000'],[b'APPEND',b'v',b'x'],[b'SETRANGE',b'v',b'10',b'yy'],[b'GETEX',b'v',b'PXAT',b'1'],[b'GET',b'v'],[b'SET',b'v',v],[b'COPY',b'v',b'w'],[b'SETRANGE',b'v',b'0',b'zz'],[b'GET',b'w'],[b'MGET',b'v',b'w'],[b'GETDEL',b'v'],[b'LCS',b'w',b'w',b'LEN'],[b'SET',b'x',v[:3000]],[b'SET',b'y',v[1000:4000]],[b'LCS',b'x',b'y',b'IDX',b'MINMATCHLEN',b'3'],[b'LCS',b'x',b'y'],[b'LCS',b'x',b'y',b'LEN'],[b'SETRANGE',b'q',b'536870911',b'ab'],[b'APPEND',b'x',v]]:
    x,y=A.cmd(*seq),B.cmd(*seq)
    if x!=y: print(show(seq),cut(x),cut(y))
# pipelined: replies in order must not alias later changes
for c in(A,B):
    for s in ([b'SET',b'p',v],[b'GET',b'p'],[b'SETRANGE',b'p',b'0',b'AAAA'],[b'GET',b'p'],[b'SET',b'p',b'abc'],[b'GET',b'p'],[b'GETSET',b'p',b'xyz'],[b'SET',b'p',b'123',b'GET'],[b'INCR',b'p']): c.send(s)
x=[A.read() for _ in range(9)];y=[B.read() for _ in range(9)]
print(x==y)
