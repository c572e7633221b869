const D=JSON.parse(document.getElementById("data").textContent),rows=document.getElementById("rows"),
search=document.getElementById("search"),count=document.getElementById("count"),more=document.getElementById("more"),all=document.getElementById("all");
let part=-1,limit=100;
function cell(row,text,cls){const c=document.createElement("td");if(cls)c.className=cls;if(text instanceof Node)c.append(text);else c.textContent=text;row.append(c)}
function chip(role,basis){const s=document.createElement("span");s.className="chip";s.style.setProperty("--c","var(--r-"+D.roles[role]+")");s.textContent=D.roles[role];s.title=D.bases[basis];return s}
function draw(){
const words=search.value.toLowerCase().split(/\s+/).filter(Boolean);
const fits=D.files.filter(f=>(part<0||f[1]===part)&&words.every(w=>(f[0]+" "+(f[2]<0?D.kinds[f[6]]:D.roles[f[2]])).toLowerCase().includes(w)));
rows.replaceChildren(...fits.slice(0,limit).map(f=>{
const row=document.createElement("tr"),path=document.createElement("code");path.textContent=f[0];cell(row,path);
if(f[6]!==0)cell(row,D.kinds[f[6]],"dim");else if(f[2]<0&&f[8])cell(row,"none by rule; "+D.languages[f[8]]+" is not learnt","dim");else if(f[2]<0)cell(row,"abstains (perhaps "+D.roles[f[5]]+")","dim");else cell(row,chip(f[2],f[3]));
cell(row,f[6]===0&&!f[8]?f[4]+" %":"","n");cell(row,String(f[7]),"n");return row}));
count.textContent=fits.length+" files"+(part<0?"":" in "+D.parts[part]);
more.hidden=fits.length<=limit;all.hidden=part<0}
function focus(p){part=p;limit=100;
const svg=document.querySelector(".layers");svg.classList.toggle("focus",p>=0);
svg.querySelectorAll(".link").forEach(l=>l.classList.toggle("on",+l.dataset.a===p||+l.dataset.b===p));draw()}
document.querySelectorAll(".part").forEach(g=>{
const go=()=>{const p=+g.dataset.part;focus(p===part?-1:p);document.getElementById("files").scrollIntoView({behavior:"smooth",block:"nearest"})};
g.addEventListener("click",go);g.addEventListener("keydown",e=>{if(e.key==="Enter"||e.key===" "){e.preventDefault();go()}})});
search.addEventListener("input",()=>{limit=100;draw()});more.addEventListener("click",()=>{limit+=500;draw()});all.addEventListener("click",()=>focus(-1));
draw();
