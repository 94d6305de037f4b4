# A directory whose name is over the kernel's limit is called from by another name, where PWD has one.

d=$(printf %0200d 1)
part=$d
for i in {1..9}; do part+=/$d; done
mkdir -p $part
ln -s $part a
for i in {a..c}; do
  next=$(tr a-c b-d <<<$i)
  mkdir -p $i/$part
  ln -s $i/$part $next
done
cd d
rpc $W env | grep ^PWD
rpc $W touch here
rpc -C . $W ls
ls

# stdout:
#| PWD=$D/cwd/d
#| here
#| here
