import uuid, zipfile, pytest
from pathlib import Path
from tests.clouds import aws, cloud
from infra.aws.stacks import Stacks; from infra.aws.deploy import Deployment
from infra.aws.layers import *
@pytest.mark.parametrize('env',['dev','staging'])
def test_it(cloud, tmp_path, env):
    z=tmp_path/'p.zip'
    with zipfile.ZipFile(z,'w') as f: f.writestr('main.py',''); f.writestr('lib/pyflink-dependencies.jar','')
    v=given_parameters(env,['Image=123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/fire-prediction:1'])
    d=Deployment(Stacks(cloud,env,lambda:'fire-'+uuid.uuid4().hex),v,z,lambda q:True,print,lambda c,a:{'KafkaBrokers':'b-1:9098','KafkaScramBrokers':'b-1:9096'})
    from infra.aws import running
    running.migrate=lambda *a: None
    try: d.deploy([l for l in LAYERS if l.wanted(v)])
    finally: print(d.outputs)
