//! Both engines do the same work, or else comparing their speed means nothing.

use im_benches::EchoWorld;
use im_benches::on_imsim::OnImsim;
use im_benches::on_turmoil::OnTurmoil;

#[test]
fn both_engines_deliver_the_same_packets() {
    const PAIRS: u32 = 3;
    let mut ours = OnImsim::connected(PAIRS);
    let mut turmoils = OnTurmoil::connected(PAIRS);
    for ms in [1, 2, 7, 40] {
        assert_eq!(ours.echo_for(PAIRS, ms), turmoils.echo_for(PAIRS, ms));
    }
}
